list = []
30.times { |n| list << n.to_s }
puts list.delete(:none).inspect
