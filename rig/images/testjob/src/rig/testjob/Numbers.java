package rig.testjob;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * A source of 64 sequences. There are always as many, whatever the parallelism, so that the job can be started again
 * with another one; a partition and its position are what a checkpoint keeps.
 */
class Numbers implements Source<Event, Numbers.Partition, List<Numbers.Partition>> {
    private static final long serialVersionUID = 1L;

    static final int PARTITIONS = 64;

    private final long rate;
    private final long bounded;

    /**
     * @param rate elements a second and subtask, at least one
     * @param bounded how many elements there are in all, 0 for no end
     */
    Numbers(long rate, long bounded) {
        if (rate < 1) {
            throw new IllegalArgumentException("--rate " + rate + ": must be at least 1");
        }
        this.rate = rate;
        this.bounded = bounded;
    }

    @Override
    public Boundedness getBoundedness() {
        return bounded > 0 ? Boundedness.BOUNDED : Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SourceReader<Event, Partition> createReader(SourceReaderContext context) {
        return new NumbersReader(context, rate, bounded > 0 ? bounded : Long.MAX_VALUE);
    }

    @Override
    public SplitEnumerator<Partition, List<Partition>> createEnumerator(SplitEnumeratorContext<Partition> context) {
        List<Partition> all = new ArrayList<>();
        for (int p = 0; p < PARTITIONS; p++) {
            all.add(new Partition(p, 0));
        }
        return new NumbersEnumerator(context, all);
    }

    @Override
    public SplitEnumerator<Partition, List<Partition>> restoreEnumerator(
            SplitEnumeratorContext<Partition> context, List<Partition> unassigned) {
        return new NumbersEnumerator(context, unassigned);
    }

    @Override
    public SimpleVersionedSerializer<Partition> getSplitSerializer() {
        return new PartitionSerializer();
    }

    @Override
    public SimpleVersionedSerializer<List<Partition>> getEnumeratorCheckpointSerializer() {
        return new PartitionListSerializer();
    }

    /** A sequence and the next element of it. */
    static final class Partition implements SourceSplit {
        final int partition;
        final long next;

        Partition(int partition, long next) {
            this.partition = partition;
            this.next = next;
        }

        /** {@link Event#number()} of the next element. */
        long number() {
            return next * PARTITIONS + partition;
        }

        @Override
        public String splitId() {
            return Integer.toString(partition);
        }
    }

    private static final class PartitionSerializer implements SimpleVersionedSerializer<Partition> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Partition split) throws IOException {
            return new PartitionListSerializer().serialize(List.of(split));
        }

        @Override
        public Partition deserialize(int version, byte[] bytes) throws IOException {
            return new PartitionListSerializer().deserialize(version, bytes).get(0);
        }
    }

    private static final class PartitionListSerializer implements SimpleVersionedSerializer<List<Partition>> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(List<Partition> splits) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeInt(splits.size());
            for (Partition split : splits) {
                out.writeInt(split.partition);
                out.writeLong(split.next);
            }
            return bytes.toByteArray();
        }

        @Override
        public List<Partition> deserialize(int version, byte[] bytes) throws IOException {
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
            List<Partition> splits = new ArrayList<>();
            for (int n = in.readInt(); n > 0; n--) {
                splits.add(new Partition(in.readInt(), in.readLong()));
            }
            return splits;
        }
    }
}
