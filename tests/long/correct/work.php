<?php
// Arrays, strings, regular expressions, JSON, objects, generators and exceptions in PHP: `php work.php`. Its output depends on nothing else.
class Node implements IteratorAggregate
{
    private array $children = [];

    public function __construct(private int $depth)
    {
        for ($n = 0; $depth > 0 && $n < 2; $n++)
            $this->children[] = new Node($depth - 1);
    }

    public function getIterator(): Generator
    {
        foreach ($this->children as $child)
            yield from $child->getIterator();
        yield $this->depth;
    }
}
$words = $rows = [];
for ($n = 0; $n < 150000; $n++) {
    $word = '';
    for ($k = 0; $k <= $n % 8; $k++)
        $word .= chr(97 + ($n * 7919 + $k * 31) * ($k + 3) % 65521 % 26);
    $words[$word] = ($words[$word] ?? 0) + $n;
    if ($n % 8 == 0)
        $rows[] = ['name' => $word, 'number' => $n, 'list' => [$n, (string)$n]];
}
ksort($words);
$sum = 0;
foreach ($words as $key => $value)
    $sum = ($sum * 33 + $value + strlen($key)) % 1000003;
echo count($words), " $sum\n";
usort($rows, fn ($a, $b) => [strlen($a['name']), $a['name'], $a['number']] <=> [strlen($b['name']), $b['name'], $b['number']]);
$text = json_encode($rows);
echo strlen($text), ' ', count(json_decode($text, true)), ' ', md5(serialize($rows)), "\n";
echo strlen(preg_replace_callback('/"(\w+)":(\d+)/', fn ($m) => $m[1] . '=' . $m[2] * 7, $text)), ' ', preg_match_all('/\[(\d+),"\1"/', $text), "\n";
echo array_sum(iterator_to_array((new Node(11))->getIterator(), false)), "\n";
$caught = 0;
for ($n = 0; $n < 500; $n++) {
    try {
        $n % 2 ? throw new RuntimeException("number $n") : intdiv($n, 0);
    } catch (RuntimeException $error) {
        $caught += strlen($error->getMessage());
    } catch (DivisionByZeroError) {
        $caught++;
    }
}
echo $caught, ' ', implode(',', array_map('strrev', explode(' ', 'one two three'))), ' ', sprintf('%08.3f|%-6s|', 3.14159, 'ab'), "\n";
$copy = new SplPriorityQueue();
foreach (array_slice($rows, 0, 2000) as $row)
    $copy->insert($row['name'], -$row['number']);
echo $copy->extract(), ' ', count($copy), "\n";
fwrite(STDERR, "on stderr\n");
exit(3);
