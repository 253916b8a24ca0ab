# Makes reports of two runs equal: what differs from run to run becomes a letter.
s/0x[0-9a-f]{6,16}/0xN/g
s/hakmem\.([a-z0-9_]+)\.[0-9]+\.db/hakmem.\1.N.db/g
