// Objects, sorting, regular expressions, JSON, closures and exceptions in ECMAScript 5: run by quickjs, mujs or node. Its output depends on nothing else.
var say = typeof print === "function" ? print : console.log;
var rows = [], words = {}, sum = 0, n, k, word;
for (n = 0; n < 40000; n++) {
    word = "";
    for (k = 0; k <= n % 8; k++)
        word += String.fromCharCode(97 + (n * 7919 + k * 31) * (k + 3) % 65521 % 26);
    words[word] = (words[word] || 0) + n;
    if (n % 8 === 0)
        rows.push({ name: word, number: n, list: [n, String(n), [n % 3]] });
}
Object.keys(words).sort().forEach(function (key) { sum = (sum * 33 + words[key] + key.length) % 1000003; });
say(Object.keys(words).length + " " + sum);
rows.sort(function (a, b) { return a.name.length - b.name.length || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.number - b.number); });
say(rows.slice(0, 4).map(function (row) { return row.name + ":" + row.number; }).join(","));
var text = JSON.stringify(rows);
say(text.length + " " + JSON.parse(text).length);
say(text.replace(/"(\w+)":(\d+)/g, function (whole, key, value) { return key + "=" + value * 7; }).length);
say((text.match(/\[(\d+),"\1"/g) || []).length);
var adders = [], total = 0;
for (n = 0; n < 2000; n++)
    adders.push((function (start) { return function (more) { start += more; return start; }; })(n));
for (k = 0; k < 20; k++)
    for (n = 0; n < adders.length; n++)
        total += adders[n](k);
say(total);
for (n = 0; n < 300; n++) {
    try {
        if (n % 2) throw new Error("number " + n);
        null.field;
    } catch (error) {
        total += error instanceof TypeError ? 1 : error.message.length;
    }
}
say(total);
say(text.split("}").map(function (part) { return part.toUpperCase().substring(2, 9); }).join("").length);
