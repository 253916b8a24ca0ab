const store = new ArrayBuffer(200, { maxByteLength: 400 });
const words = new Int32Array(store);
Atomics.store(words, 12, { valueOf() { return 9; } });
print(words[12]);
