#!/usr/bin/env bash
# Each change in tests/long/mutations.list still finds its line in the sources as they are: the long test,
# which makes the changes and looks for what turns red, is not run each time. A test of the quick tier is among those that find it, or
# tests/long/mutations.full names it.
. "${SOURCE:?}/tests/tools/test.sh"
cd "$SOURCE" || exit 2
# One process makes all changes, each in a copy of the file's text, as `perl -0pe CHANGE FILE` does.
perl -e '
    use strict;
    my ($count, $bad, %texts) = (0, 0);
    while (<STDIN>) {
        chomp;
        next if /^(#|$)/;
        my ($name, $file, $change, $tests) = split /\t/;
        $count++;
        $texts{$file} //= do { local $/; open my $in, "<", $file or die "$name: $file: $!\n"; <$in> };
        local $_ = $texts{$file};
        eval "no strict; $change; 1" or do { print "$name: the line cannot be used: $@"; $bad++; next };
        if ($_ eq $texts{$file}) { print "$name: the change does not apply to $file\n"; $bad++ }
        if (!$tests) { print "$name: no test is named\n"; $bad++ }
    }
    print "only $count changes were read\n" if $count <= 40;
    exit($bad || $count <= 40 ? 1 : 0);
' <tests/long/mutations.list || failed=1
said=$(/usr/bin/python3 tests/tools/quick_tier.py missed) || complain "$said"
