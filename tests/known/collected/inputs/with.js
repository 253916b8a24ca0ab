const store = new ArrayBuffer(600, { maxByteLength: 900 });
const bytes = new Uint8Array(store);
const shrinker = { valueOf() { store.resize(40); return 3; } };
print(bytes.with(1, shrinker).length);
