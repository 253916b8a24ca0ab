#!/usr/bin/env bash
# perl: hashes, regular expressions, sorting, closures, a pipe to a forked child, and its exit status by die.
# timeout: 1800
first_level=trace
. "${SOURCE:?}/tests/tools/real_program.sh"
cat >story.pl <<'END'
use strict;
my ($rounds, %seen, $n) = (shift, (), 0);
my $x = 7;
for (1 .. 10000 * $rounds) { $x = ($x * 1103515245 + 12345) % 2147483648; push @{$seen{$x % 5003}}, "v$x"; }
for my $k (sort keys %seen) { $n += length join ",", sort @{$seen{$k}}; delete $seen{$k} if $n % 3; }
my @closures = map { my $i = $_; sub { $i += shift } } 1 .. 1000;
$n += $_->(3) for @closures;
my $text = join " ", map { "word$_" } 1 .. 2000 * $rounds;
my $words = () = $text =~ /\b(\w+?)(\d+)\b/g;
(my $other = $text) =~ s/(\d+)/<$1>/g;
open my $child, '-|' or do { print map { "$_\n" } reverse 1 .. 500 * $rounds; exit 0 };
my $lines = () = <$child>;
close $child;
print "$n ", scalar(keys %seen), " $words ", length $other, " $lines\n";
print STDERR "on stderr\n";
die "the end\n";
END
story() { "${under[@]}" perl ../story.pl "$(scale 3 100 40)"; }
check_program story "perl"
