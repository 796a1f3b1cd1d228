import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Reads configuration files with Flink's own classes.
 *
 * <p>Each line of the input is an object with the name and the text of a file, and options by key and type. The answer to it
 * is one line, an array with {@code {"value": ...}} for each option, {@code {}} if it is not set, or {@code {"error": ...}}.
 */
public class ReadConfiguration {
    public static void main(String[] arguments) throws Exception {
        ObjectMapper json = new ObjectMapper();
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Path folder = Files.createTempDirectory("flink-configuration");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode question = json.readTree(line);
            Path file = folder.resolve(question.get("file").asText());
            Files.write(file, question.get("text").asText().getBytes(StandardCharsets.UTF_8));
            ArrayNode answers = json.createArrayNode();
            Configuration configuration = GlobalConfiguration.loadConfiguration(folder.toString());
            for (JsonNode option : question.get("options")) {
                answers.add(answer(json, configuration, option));
            }
            out.println(json.writeValueAsString(answers));
            Files.delete(file);
        }
        out.flush();
        Files.delete(folder);
    }

    private static ObjectNode answer(
            ObjectMapper json, Configuration configuration, JsonNode asked) {
        ObjectNode answer = json.createObjectNode();
        try {
            ConfigOption<?> option = option(asked.get("key").asText(), asked.get("type").asText());
            Optional<?> value = configuration.getOptional(option);
            if (value.isPresent()) {
                answer.set("value", json.valueToTree(value.get()));
            }
        } catch (Exception problem) {
            answer.put("error", problem.toString());
        }
        return answer;
    }

    private static ConfigOption<?> option(String key, String type) {
        ConfigOptions.OptionBuilder builder = ConfigOptions.key(key);
        switch (type) {
            case "text":
                return builder.stringType().noDefaultValue();
            case "list":
                return builder.stringType().asList().noDefaultValue();
            case "map":
                return builder.mapType().noDefaultValue();
            case "maps":
                return builder.mapType().asList().noDefaultValue();
            default:
                throw new IllegalArgumentException("no type is called " + type);
        }
    }
}
