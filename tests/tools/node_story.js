// Arrays, JSON, regular expressions, promises and a WebAssembly trap that is caught: `node_story.js ROUNDS`.
// What it prints depends on nothing but ROUNDS.
'use strict';
const { createHash } = require('crypto');
const rounds = Number(process.argv[2]);
const digest = createHash('sha256');

for (let round = 0; round < rounds; round++) {
    const rows = [];
    for (let i = 0; i < 3000; i++)
        rows.push({ id: i, name: 'row ' + i, values: Array.from({ length: i % 30 }, (_, k) => k * round), tags: { [i]: null } });
    const text = JSON.stringify(rows, null, round % 3);
    const back = JSON.parse(text).sort((a, b) => b.values.length - a.values.length || a.id - b.id);
    digest.update(text).update(JSON.stringify(back.slice(0, 50)));
    const big = new Float64Array(200000).map((_, i) => Math.sin(i * round));
    digest.update(Buffer.from(big.sort().buffer));
    digest.update(text.replace(/row (\d+)/g, (_, n) => '<' + n + '>').slice(0, 100000));
}

// (func (export "load") (param i32) (result i32) local.get 0 i32.load) with one page of memory.
const module_bytes = Uint8Array.from([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1,
    7, 8, 1, 4, 108, 111, 97, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11,
]);
const { load } = new WebAssembly.Instance(new WebAssembly.Module(module_bytes)).exports;
let traps = 0;
for (let i = 0; i < 20 * rounds; i++) {
    try {
        load(i % 2 ? 0 : 0x7ffffff0);
    } catch (error) {
        if (traps++ === 0) console.log(error.name + ': ' + error.message);
    }
}
console.log(traps + ' traps');

const work = [];
for (let i = 0; i < 8; i++)
    work.push(new Promise((resolve, reject) => require('crypto').pbkdf2('word', 'salt' + i, 2000, 32, 'sha256', (e, key) => (e ? reject(e) : resolve(key)))));
work.push(require('fs').promises.readFile(__filename));
const { Worker } = require('worker_threads');
for (let i = 0; i < 2; i++)
    work.push(new Promise((resolve, reject) => {
        const worker = new Worker("require('worker_threads').parentPort.postMessage(JSON.stringify([...Array(20000).keys()]).length)", { eval: true });
        let answer;
        worker.on('message', (m) => { answer = m; });
        worker.on('error', reject);
        worker.on('exit', () => resolve(String(answer)));
    }));
Promise.all(work).then((results) => {
    for (const result of results) digest.update(result);
    console.log(digest.digest('hex'));
});
