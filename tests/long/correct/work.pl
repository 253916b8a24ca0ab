# Hashes, sorting, regular expressions, closures, sprintf, pack and local in Perl: `perl work.pl`. Its output depends on nothing else.
use strict;
use warnings;
my (%words, @rows);
for my $n (1 .. 90000) {
    my $word = join '', map { chr(97 + ($n * 7919 + $_ * 31) * ($_ + 3) % 65521 % 26) } 1 .. 1 + $n % 9;
    $words{$word} .= pack('n', $n % 65536);
    push @rows, { name => $word, number => $n, text => sprintf('%05d %s', $n, scalar reverse $word) } if $n % 5 == 0;
}
my $sum = 0;
$sum = ($sum * 33 + length($words{$_}) + unpack('n', $words{$_})) % 1000003 for sort keys %words;
print scalar(keys %words), " $sum\n";
my @sorted = sort { length $a->{name} <=> length $b->{name} or $a->{text} cmp $b->{text} } @rows;
print join(',', map { "$_->{name}:$_->{number}" } @sorted[0 .. 5, -5 .. -1]), "\n";
my $text = join "\n", map { $_->{text} } @rows;
my $found = () = $text =~ /^(\d+) (?:(\w)\w*?\2)$/mg;
(my $changed = $text) =~ s/(\w)(\w+)$/uc($1) . $2 . length $2/gem;
print "$found ", length $changed, ' ', unpack('%32C*', $changed), "\n";
my @subs = map { my $n = $_; sub { $n += shift; return $n } } 1 .. 2000;
my $total = 0;
for my $round (1 .. 20) { $total += $_->($round) for @subs }
print "$total\n";
print join('|', split /\s*[,;]\s*/, 'a, b;c ,d;e'), "\n";
eval { die { code => 7 } };
print "caught $@->{code}\n";
eval "sub made_$_ { return $_ * \$_[0] } 1" or die for 1 .. 300;
{ no strict 'refs'; print join(' ', map { &{"made_$_"}(3) } 1, 150, 300), "\n"; }
warn "on stderr\n";
exit 3;
