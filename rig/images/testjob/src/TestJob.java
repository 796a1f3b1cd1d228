import rig.testjob.Arguments;
import rig.testjob.Pipeline;

/** The test job under its short name; {@link Pipeline} says what it does, {@link Arguments} what may be asked of it. */
public final class TestJob {
    private TestJob() {}

    public static void main(String[] args) throws Exception {
        Pipeline.run(Arguments.parse(args), "test-job");
    }
}
