class Wiper
  def initialize(list)
    @list = list
  end

  def ==(other)
    @list.clear
    false
  end
end

list = []
30.times { |n| list << n.to_s }
list[0] = Wiper.new(list)
puts list.delete(:none).inspect
