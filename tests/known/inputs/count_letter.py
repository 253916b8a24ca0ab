haystack = bytearray(b"needle" * 500)
print(haystack.count(ord("d")), haystack.count(b"ee"))
