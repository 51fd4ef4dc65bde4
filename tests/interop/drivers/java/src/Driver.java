import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

import jakarta.websocket.ContainerProvider;
import jakarta.websocket.WebSocketContainer;
import org.cometd.bayeux.Message;
import org.cometd.bayeux.client.ClientSession;
import org.cometd.bayeux.client.ClientSessionChannel;
import org.cometd.client.BayeuxClient;
import org.cometd.client.ext.AckExtension;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.transport.ClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.cometd.common.JettyJSONContextClient;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.util.component.LifeCycle;

/** The Java client, speaking the line protocol of tests/support/driver.py. */
public final class Driver {
    private static final long LET_GO_MILLISECONDS = 20_000;
    private static final JettyJSONContextClient JSON = new JettyJSONContextClient();

    private final Map<String, Object> settings;
    private final HttpClient http = new HttpClient();
    private final WebSocketContainer webSockets = ContainerProvider.getWebSocketContainer();
    private final BayeuxClient client;
    private final ClientSessionChannel.MessageListener heard = (channel, message) ->
            say(Map.of("is", "event", "channel", message.getChannel(), "data", message.getData()));

    /** What the application wants to hear. A new session knows nothing of it, so it subscribes after each new handshake. */
    private final Set<String> wanted = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean hadSession = new AtomicBoolean();

    private Driver(Map<String, Object> settings) {
        this.settings = settings;
        String url = (String) settings.get("url");
        if (by("query")) {
            url += "?access_token=" + settings.get("token");
        }
        client = new BayeuxClient(url, transport());
        if ("ack".equals(settings.get("extension"))) {
            client.addExtension(new AckExtension());
        }
        client.getChannel("/meta/handshake").addListener((ClientSessionChannel.MessageListener) (channel, message) -> {
            if (message.isSuccessful() && hadSession.getAndSet(true)) {
                client.batch(() -> wanted.forEach(each -> client.getChannel(each).subscribe(heard)));
            }
        });
        for (String name : List.of("handshake", "connect", "subscribe", "unsubscribe", "disconnect")) {
            client.getChannel("/meta/" + name).addListener(
                    (ClientSessionChannel.MessageListener) (channel, message) -> say(answer("meta", message)));
        }
    }

    private boolean by(String means) {
        return means.equals(settings.get("by"));
    }

    private ClientTransport transport() {
        String authorization = "Bearer " + settings.get("token");
        if ("websocket".equals(settings.get("transport"))) {
            return new WebSocketTransport(null, null, webSockets) {
                @Override
                protected void onHandshakeRequest(Map<String, List<String>> headers) {
                    if (by("header")) {
                        headers.put("Authorization", List.of(authorization));
                    }
                }
            };
        }
        return new JettyHttpClientTransport(null, http) {
            @Override
            protected void customize(Request request) {
                if (by("header")) {
                    request.headers(headers -> headers.put("Authorization", authorization));
                }
            }
        };
    }

    private void carryOut(Map<String, Object> command) {
        String channel = (String) command.get("channel");
        ClientSession.MessageListener replied = message -> say(reply(command, message));
        switch ((String) command.get("do")) {
            case "handshake" -> client.handshake(by("ext") ? authentication() : null, replied);
            case "subscribe" -> {
                wanted.add(channel);
                client.getChannel(channel).subscribe(heard, replied);
            }
            case "unsubscribe" -> {
                wanted.remove(channel);
                client.getChannel(channel).unsubscribe(heard, replied);
            }
            case "publish" -> client.getChannel(channel).publish(command.get("data"), replied);
            case "batch" -> client.batch(() -> {
                for (Object each : (Object[]) command.get("commands")) {
                    carryOut(map(each));
                }
            });
            case "disconnect" -> client.disconnect(replied);
            default -> throw new IllegalArgumentException(command.toString());
        }
    }

    /** What a handshake says on top. The client's extensions add to it, so it must not be immutable. */
    private Map<String, Object> authentication() {
        Map<String, Object> ext = new HashMap<>(Map.of("authentication", Map.of("token", settings.get("token"))));
        return new HashMap<>(Map.of("ext", ext));
    }

    private Map<String, Object> reply(Map<String, Object> command, Message message) {
        Map<String, Object> line = answer("reply", message);
        line.put("to", command.get("do"));
        line.put("asked", command.get("channel"));
        line.put("transport", client.getTransport().getName());
        return line;
    }

    private static Map<String, Object> answer(String kind, Message message) {
        Map<String, Object> line = new HashMap<>();
        line.put("is", kind);
        line.put("channel", message.getChannel());
        line.put("successful", message.isSuccessful());
        line.put("error", message.get(Message.ERROR_FIELD));
        line.put("clientId", message.getClientId());
        return line;
    }

    private static void say(Map<String, Object> line) {
        synchronized (System.out) {
            System.out.println(JSON.getGenerator().generate(line));
            System.out.flush();
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object parsed) {
        return (Map<String, Object>) parsed;
    }

    private static Map<String, Object> parse(String text) throws ParseException {
        return map(JSON.getParser().parse(new StringReader(text), Map.class));
    }

    private boolean run() throws Exception {
        http.start();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = commands.readLine()) != null) {
            carryOut(parse(line));
        }
        boolean letGo = client.waitFor(LET_GO_MILLISECONDS, BayeuxClient.State.DISCONNECTED);
        LifeCycle.stop(webSockets);
        http.stop();
        return letGo;
    }

    public static void main(String[] arguments) {
        int code = 1;
        try {
            code = new Driver(parse(arguments[0])).run() ? 0 : 1;
        } catch (Exception failure) {
            failure.printStackTrace();
        }
        System.exit(code); // the threads of the client would keep a failed driver alive
    }
}
