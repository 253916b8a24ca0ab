const store = new ArrayBuffer(3000);
const moved = store.transfer(12);
const view = new Uint32Array(moved);
view.fill(5);
print(view[2], moved.byteLength);
