// Worker threads, a pool of libuv's, compression, buffers and promises in node: `node threads.js`. Its output depends on nothing else.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { createHash, pbkdf2 } = require('crypto');
const zlib = require('zlib');

const rows = (from) => Array.from({ length: 1200 }, (_, n) => ({ id: from + n, values: Array.from({ length: n % 12 }, (_, k) => k * n), name: 'row ' + n }));
const digest = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

if (isMainThread) {
    const work = [];
    for (let n = 0; n < 3; n++)
        work.push(new Promise((resolve, reject) => {
            const worker = new Worker(__filename, { workerData: n });
            let answer;
            worker.on('message', (message) => { answer = message; });
            worker.on('error', reject);
            worker.on('exit', (code) => resolve(`worker ${n}: ${answer}, ${code}`));
        }));
    for (let n = 0; n < 6; n++) {
        work.push(new Promise((resolve, reject) => pbkdf2('word', 'salt' + n, 500, 32, 'sha256', (error, key) => (error ? reject(error) : resolve(key.toString('hex'))))));
        work.push(new Promise((resolve, reject) => zlib.deflate(JSON.stringify(rows(n)), (error, packed) => (error ? reject(error) : zlib.inflate(packed, (bad, text) => (bad ? reject(bad) : resolve(digest(text))))))));
    }
    Promise.all(work).then((answers) => { console.log(answers.join('\n')); process.exitCode = 3; });
} else {
    const text = JSON.stringify(rows(workerData * 1000));
    parentPort.postMessage(digest(JSON.stringify(JSON.parse(text).reverse())));
}
