var kept = new RegExp("needle[ ]in");
var text = kept.source;
gc();
print(text);
