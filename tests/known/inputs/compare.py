import array
import struct

readings = array.array("d", range(200))
view = memoryview(readings)


class Growing(struct.Struct):
    def unpack_from(self, *rest):
        view.release()
        readings.extend([0.5] * 2000)
        return (0,)


struct.Struct = Growing
view == memoryview(array.array("q", range(200)))
