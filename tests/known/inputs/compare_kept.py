import array

readings = array.array("d", range(200))
view = memoryview(readings)
print(view == memoryview(array.array("q", range(200))))
