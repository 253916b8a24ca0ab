// Deletes an object through a base class without a virtual destructor: the size that goes with the
// delete is the base's.
struct shape {
    int kind = 1;
};
struct circle : shape {
    double radius = 2;
};

int main() {
    shape *one = new circle;
    delete one;
    return 0;
}
