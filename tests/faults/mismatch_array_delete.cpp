// Gives back by delete an array of objects with destructors. The length of such an array lies in
// front of its first object, so the address that comes to us is not the block's.
struct connection {
    int number = 7;
    ~connection() {
        number = 0;
    }
};

int main() {
    connection *connections = new connection[3];
    delete connections;
    return 0;
}
