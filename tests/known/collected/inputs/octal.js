const edge = (1n << 127n) - 5n;
print(edge.toString(8));
