const store = new ArrayBuffer(3000);
const view = new Uint32Array(store);
view.fill(5);
const moved = store.transfer(12);
print(view[2], moved.byteLength);
