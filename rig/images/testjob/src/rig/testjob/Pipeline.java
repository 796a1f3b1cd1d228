package rig.testjob;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * A job that counts, and can be asked at any time whether it counted everything exactly once.
 *
 * <p>"numbers" emits the sequences 0, 1, 2, … of 64 partitions; where it stands is its state. "count" keeps a count for
 * each partition as keyed state, and "verify", always one task, another for all of them as operator state. An element's
 * place in its sequence must be what both have counted before it: a source that went back further than the counts
 * shows as duplicates, one that went back less as gaps. "verify" reports it as metrics and accumulators.
 */
public final class Pipeline {
    private Pipeline() {}

    public static void run(Arguments arguments, String name) throws Exception {
        if (!arguments.text("exit-main").isEmpty()) {
            System.exit((int) arguments.number("exit-main"));
        }
        if (!arguments.text("fail-main").isEmpty()) {
            throw new IllegalStateException(arguments.text("fail-main"));
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        long interval = arguments.number("checkpoint-ms");
        if (interval > 0 && !env.getCheckpointConfig().isCheckpointingEnabled()) {
            env.enableCheckpointing(interval);
        }
        env.fromSource(
                        new Numbers(arguments.number("rate"), arguments.number("bounded")),
                        WatermarkStrategy.noWatermarks(),
                        "numbers")
                .uid(id("numbers", arguments))
                .keyBy(event -> event.partition)
                .process(new Count((int) arguments.number("state-bytes"), arguments.number("work-micros")))
                .uid(id("count", arguments))
                .name("count")
                .process(new Verify(arguments))
                .uid(id("verify", arguments))
                .name("verify")
                .setParallelism(1)
                .setMaxParallelism(1)
                // a vertex of this name at any parallelism: with one "count" Flink would make one vertex of both
                .startNewChain();
        env.execute(name);
    }

    private static String id(String operator, Arguments arguments) {
        return operator + arguments.text("uid-suffix") + (operator.equals(arguments.text("forget")) ? "-forgotten" : "");
    }
}
