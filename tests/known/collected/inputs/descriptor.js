var target = { first: 1, second: "two" };
Object.defineProperty(Object.prototype, "value", {
	set: function (v) { delete target.second; }
});
Object.getOwnPropertyDescriptor(target, "second");
print("described");
