package rig.testjob;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/** What a run of the job is asked to do: pairs "--name value" or "--name=value", all of them optional. */
public final class Arguments implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Every argument with its default; a number's unit is the last part of its name. */
    private static final Map<String, String> DEFAULTS =
            Map.ofEntries(
                    Map.entry("rate", "100"), // elements a second and source subtask
                    Map.entry("bounded", "0"), // the job ends after this many elements in all; 0: never
                    Map.entry("state-bytes", "0"), // kept for each of the 64 keys beside its count
                    Map.entry("work-micros", "0"), // how long "count" is busy with an element
                    Map.entry("checkpoint-ms", "0"), // taken so often where the configuration has no interval
                    Map.entry("snapshot-ms", "0"), // how long "verify" takes for its part of a snapshot
                    Map.entry("fail-snapshot", "false"), // every snapshot fails, and the task with it
                    Map.entry("fail-after", "0"), // fails each time the total gets here, so never gets past it
                    Map.entry("fail-once-after", "0"), // the same, but not in a run that was restored
                    Map.entry("fail-every", "0"), // fails after this many elements since the task's start
                    Map.entry("fail-main", ""), // main throws this text before there is a job
                    Map.entry("exit-main", ""), // main ends the JVM with this status before there is a job
                    Map.entry("uid-suffix", ""), // other operator ids: state of runs without it fits none of them
                    Map.entry("forget", "")); // another id for this operator alone: its state is lost, and it shows

    private final TreeMap<String, String> values;

    private Arguments(TreeMap<String, String> values) {
        this.values = values;
    }

    /** Reads arguments and refuses those that are not known. */
    public static Arguments parse(String[] args) {
        return parse(args, true);
    }

    /** Reads arguments and passes over those that are not known, with their values. */
    public static Arguments parseKnown(String[] args) {
        return parse(args, false);
    }

    private static Arguments parse(String[] args, boolean strict) {
        TreeMap<String, String> values = new TreeMap<>();
        for (int i = 0; i < args.length; i++) {
            if (!args[i].startsWith("--")) {
                throw new IllegalArgumentException("\"" + args[i] + "\": an argument begins with --");
            }
            int equals = args[i].indexOf('=');
            String name = args[i].substring(2, equals < 0 ? args[i].length() : equals);
            boolean known = DEFAULTS.containsKey(name);
            if (strict && !known) {
                throw new IllegalArgumentException(
                        "no argument --" + name + ", known are " + new TreeMap<>(DEFAULTS).keySet());
            }
            String value = null;
            if (equals >= 0) {
                value = args[i].substring(equals + 1);
            } else if (i + 1 < args.length && (known || !args[i + 1].startsWith("--"))) {
                value = args[++i];
            }
            if (known && value == null) {
                throw new IllegalArgumentException("--" + name + " needs a value");
            }
            if (known) {
                values.put(name, value);
            }
        }
        return new Arguments(values);
    }

    /** The same, with this checkpoint interval where none was asked for. */
    public Arguments withCheckpointMillis(long millis) {
        TreeMap<String, String> copy = new TreeMap<>(values);
        copy.putIfAbsent("checkpoint-ms", Long.toString(millis));
        return new Arguments(copy);
    }

    public String text(String name) {
        return values.getOrDefault(name, DEFAULTS.get(name));
    }

    public boolean flag(String name) {
        return Boolean.parseBoolean(text(name));
    }

    /** A number that is zero or more. */
    public long number(String name) {
        long n;
        try {
            n = Long.parseLong(text(name));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--" + name + " " + text(name) + ": not a whole number", e);
        }
        if (n < 0) {
            throw new IllegalArgumentException("--" + name + " " + n + ": must not be negative");
        }
        return n;
    }
}
