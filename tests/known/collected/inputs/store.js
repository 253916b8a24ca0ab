const store = new ArrayBuffer(200, { maxByteLength: 400 });
const words = new Int32Array(store);
const shrinker = { valueOf() { store.resize(48); return 9; } };
Atomics.store(words, 12, shrinker);
print("stored");
