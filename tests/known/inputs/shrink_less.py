import array

levels = array.array("d", bytes(8 * 100))


class Level:
    def __float__(self):
        del levels[97:]
        return 1.0


levels[92] = Level()
