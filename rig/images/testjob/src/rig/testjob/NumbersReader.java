package rig.testjob;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.core.io.InputStatus;

/** Emits the lowest number among its partitions, one at a time and no faster than asked. */
class NumbersReader implements SourceReader<Event, Numbers.Partition> {
    /** After a pause the reader does not catch up on more than this: it would flood what comes after it. */
    private static final long CATCH_UP_NANOS = 100_000_000;

    private final SourceReaderContext context;
    private final long periodNanos;
    private final long end;
    private final PriorityQueue<Numbers.Partition> splits =
            new PriorityQueue<>(Comparator.comparingLong(Numbers.Partition::number));
    private CompletableFuture<Void> moreSplits = new CompletableFuture<>();
    private boolean complete;
    private long due = System.nanoTime();

    NumbersReader(SourceReaderContext context, long rate, long end) {
        this.context = context;
        this.periodNanos = 1_000_000_000L / rate;
        this.end = end;
    }

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<Event> output) {
        Numbers.Partition split = splits.peek();
        if (split == null || split.number() >= end) {
            return complete ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
        }
        long now = System.nanoTime();
        if (now - due < 0) {
            return InputStatus.NOTHING_AVAILABLE;
        }
        due = Math.max(due + periodNanos, now - CATCH_UP_NANOS);
        splits.poll();
        splits.add(new Numbers.Partition(split.partition, split.next + 1));
        Event event = new Event();
        event.partition = split.partition;
        event.sequence = split.next;
        event.sources = context.currentParallelism();
        output.collect(event);
        return InputStatus.MORE_AVAILABLE;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        Numbers.Partition split = splits.peek();
        if (split == null || split.number() >= end) {
            return complete ? CompletableFuture.completedFuture(null) : moreSplits;
        }
        long wait = due - System.nanoTime();
        return wait <= 0
                ? CompletableFuture.completedFuture(null)
                : new CompletableFuture<Void>().completeOnTimeout(null, wait, TimeUnit.NANOSECONDS);
    }

    @Override
    public void addSplits(List<Numbers.Partition> more) {
        splits.addAll(more);
        wake();
    }

    @Override
    public void notifyNoMoreSplits() {
        complete = true;
        wake();
    }

    private void wake() {
        CompletableFuture<Void> woken = moreSplits;
        moreSplits = new CompletableFuture<>();
        woken.complete(null);
    }

    @Override
    public List<Numbers.Partition> snapshotState(long checkpointId) {
        return new ArrayList<>(splits);
    }

    @Override
    public void close() {}
}
