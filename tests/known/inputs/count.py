haystack = bytearray(b"needle" * 500)


class Shrinking:
    def __index__(self):
        haystack.clear()
        return ord("d")


haystack.count(Shrinking())
