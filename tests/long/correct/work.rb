# Hashes, arrays, strings, structs, blocks and exceptions in Ruby: run by ruby or mruby. Its output depends on nothing else.
Row = Struct.new(:name, :number)

class Node
  include Enumerable
  def initialize(depth)
    @depth = depth
    @children = depth > 0 ? [Node.new(depth - 1), Node.new(depth - 1)] : []
  end

  def each(&block)
    @children.each { |child| child.each(&block) }
    block.call(@depth)
  end
end

words = Hash.new(0)
rows = []
40_000.times do |n|
  word = ''
  (1 + n % 8).times { |k| word << (97 + (n * 7919 + k * 31) * (k + 3) % 65521 % 26).chr }
  words[word] += n
  rows << Row.new(word, n) if n % 8 == 0
end
sum = 0
words.keys.sort.each { |key| sum = (sum * 33 + words[key] + key.size) % 1_000_003 }
puts "#{words.size} #{sum}"
rows = rows.sort { |a, b| [a.name.size, a.name, a.number] <=> [b.name.size, b.name, b.number] }
puts rows[0, 4].map { |row| "#{row.name}:#{row.number}" }.join(',')
text = rows.map { |row| "#{row.name}=#{row.number}" }.join("\n")
puts text.size, text.split("\n").map { |line| line.reverse.upcase }.select { |line| line.include?('A') }.size
puts Node.new(10).inject(0) { |total, depth| total + depth }
caught = 0
500.times do |n|
  begin
    n % 2 == 0 ? raise(ArgumentError, "number #{n}") : nil.no_such_method
  rescue ArgumentError => error
    caught += error.message.size
  rescue NoMethodError
    caught += 1
  end
end
puts caught
adders = (0...1000).map { |start| lambda { |more| start += more } }
puts (1..10).map { |more| adders.map { |adder| adder.call(more) }.inject(:+) }.inject(:+)
puts rows.group_by { |row| row.number % 7 }.map { |key, list| [key, list.size] }.sort.inspect
exit 3 if RUBY_ENGINE == 'ruby'
