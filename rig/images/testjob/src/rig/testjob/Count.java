package rig.testjob;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Counts the elements of each partition in keyed state, and tells each element what was counted before it. */
class Count extends KeyedProcessFunction<Integer, Event, Event> {
    private static final long serialVersionUID = 1L;

    private final int stateBytes;
    private final long workMicros;
    private transient ValueState<Long> seen;
    private transient ValueState<byte[]> ballast;

    Count(int stateBytes, long workMicros) {
        this.stateBytes = stateBytes;
        this.workMicros = workMicros;
    }

    @Override
    public void open(OpenContext context) {
        seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Long.class));
        ballast = getRuntimeContext().getState(new ValueStateDescriptor<>("ballast", byte[].class));
    }

    @Override
    public void processElement(Event event, Context context, Collector<Event> out) throws Exception {
        Long before = seen.value();
        event.counted = before == null ? 0 : before;
        seen.update(event.counted + 1);
        if (before == null && stateBytes > 0) {
            ballast.update(new byte[stateBytes]);
        }
        // busy, not asleep: this is what Flink's busy time and the machine's load are measured by
        for (long until = System.nanoTime() + workMicros * 1000; workMicros > 0 && System.nanoTime() < until; ) {
            Thread.onSpinWait();
        }
        out.collect(event);
    }
}
