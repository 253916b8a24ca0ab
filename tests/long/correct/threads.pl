# Threads that fill hashes, and a queue between them, in Perl: `perl threads.pl`. Its output depends on nothing else.
use strict;
use warnings;
use threads;
use threads::shared;
use Thread::Queue;
my $queue = Thread::Queue->new;
my %sums : shared;
my @threads = map { my $number = $_; threads->create(sub {
    my (%own, $taken);
    while (defined(my $item = $queue->dequeue)) {
        $own{$item % 97} .= "$item,";
        $taken += $item;
    }
    my $text = join ';', map { $own{$_} } sort keys %own;
    lock %sums;
    $sums{bytes} += $text =~ tr/0-9//;
    $sums{items} += $taken // 0;
    return 1;
}) } 1 .. 4;
$queue->enqueue($_ * 10 + 1 .. $_ * 10 + 10) for 0 .. 2999;
$queue->end;
my $joined = 0;
$joined += $_->join for @threads;
print "$joined threads, $sums{items}, $sums{bytes}\n";
