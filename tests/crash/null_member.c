/* Reads a member of an object through a null pointer. */
struct order {
    long number, items[3];
};

static struct order *volatile nothing;

static long second_item(const struct order *order) {
    return order->items[2];
}

int main(void) {
    return (int)second_item(nothing);
}
