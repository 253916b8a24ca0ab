var target = { first: 1, second: "two" };
print(Object.getOwnPropertyDescriptor(target, "second").value);
