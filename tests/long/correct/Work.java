import java.util.*;
import java.util.concurrent.*;
import java.util.regex.*;
import java.util.stream.*;
import java.util.zip.*;

/** Threads that build strings, sort, match and compress in Java: `java Work`. Its output depends on nothing else. */
public class Work {
    static String work(int number) throws Exception {
        Map<String, Integer> words = new TreeMap<>();
        for (int n = 0; n < 3000; n++) {
            StringBuilder word = new StringBuilder();
            for (int k = 0; k <= n % 8; k++)
                word.append((char) ('a' + (n * 7919L + k * 31) * (k + 3 + number) % 65521 % 26));
            words.merge(word.toString(), n, Integer::sum);
        }
        String text = words.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).collect(Collectors.joining("\n"));
        Matcher matcher = Pattern.compile("^(\\w)\\w*?\\1=", Pattern.MULTILINE).matcher(text);
        int found = 0;
        while (matcher.find())
            found++;
        byte[] packed = new byte[text.length() + 100];
        Deflater deflater = new Deflater(6);
        deflater.setInput(text.getBytes("UTF-8"));
        deflater.finish();
        int length = deflater.deflate(packed);
        deflater.end();
        Inflater inflater = new Inflater();
        inflater.setInput(packed, 0, length);
        byte[] back = new byte[text.length() + 1];
        int size = inflater.inflate(back);
        inflater.end();
        CRC32 crc = new CRC32();
        crc.update(back, 0, size);
        return number + ": " + words.size() + " " + found + " " + size + " " + crc.getValue();
    }

    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<String>> results = new ArrayList<>();
        for (int n = 0; n < 8; n++) {
            final int number = n;
            results.add(pool.submit(() -> work(number)));
        }
        for (Future<String> result : results)
            System.out.println(result.get());
        pool.shutdown();
        System.gc();
        System.out.println(IntStream.range(0, 20000).parallel().mapToObj(Integer::toString).mapToInt(String::length).sum());
        System.err.println("on stderr");
        System.exit(3);
    }
}
