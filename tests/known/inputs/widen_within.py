import ctypes


class Short(ctypes.c_int * 200):
    pass


class Long(ctypes.c_int * 208):
    pass


samples = Short()
samples.__class__ = Long
samples[199] = 7
