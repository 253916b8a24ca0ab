# Threads, a queue, timers, fibers, compression and a compacted heap in Ruby: `ruby threads.rb`. Its output depends on nothing else.
require 'digest/sha2' # before there are threads: loading it is not safe among them (Ruby's bug 9494)
require 'zlib'
queue = Queue.new
results = Queue.new
threads = Array.new(4) do
  Thread.new do
    while (number = queue.pop)
      text = Array.new(200) { |n| "row #{number * n} #{n}" }.join("\n")
      results << [number, Digest::SHA256.hexdigest(Zlib::Inflate.inflate(Zlib::Deflate.deflate(text)))[0, 8]]
    end
  end
end
120.times { |number| queue << number }
4.times { queue << nil }
threads.each(&:join)
puts Array.new(results.size) { results.pop }.sort.map { |row| row.join(' ') }
fibers = Array.new(50) { |start| Fiber.new { 20.times { |n| Fiber.yield start * n } } }
puts 20.times.map { fibers.sum(&:resume) }.sum
20.times { Thread.new { Array.new(100) { |n| n.to_s * 3 }.size }.join }
GC.start
GC.compact if GC.respond_to?(:compact)
puts `echo from a child`
exit 3
