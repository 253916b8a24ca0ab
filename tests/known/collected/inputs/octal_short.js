const edge = (1n << 125n) - 5n;
print(edge.toString(8));
