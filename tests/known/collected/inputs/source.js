function take() {
	var parts = ["needle", "in", "some", "hay", 4 + 4];
	return new RegExp(parts.join("[ ]")).source;
}
var text = take();
take = null;
gc();
print(text);
