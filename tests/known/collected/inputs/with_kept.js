const store = new ArrayBuffer(600, { maxByteLength: 900 });
const bytes = new Uint8Array(store);
print(bytes.with(1, { valueOf() { return 3; } }).length);
