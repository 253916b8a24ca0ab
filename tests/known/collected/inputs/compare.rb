class Refiller
  def initialize(list)
    @list = list
  end

  def <=>(other)
    @list.clear
    5.times { |n| @list << n }
    0
  end
end

list = []
40.times { |n| list << n }
list[0] = Refiller.new(list)
other = list.dup
puts (list <=> other).inspect
