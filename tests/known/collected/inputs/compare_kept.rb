list = []
40.times { |n| list << n }
other = list.dup
puts (list <=> other).inspect
