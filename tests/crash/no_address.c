/* Uses a number as a pointer that is no address. */
struct node {
    long value;
    struct node *next;
};

int main(void) {
    struct node first = {1, (struct node *)0x6867666564636261};
    struct node *volatile at = first.next;
    return (int)at->value;
}
