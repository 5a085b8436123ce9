import jakarta.activation.DataHandler;
import jakarta.activation.FileDataSource;
import jakarta.mail.Message;
import jakarta.mail.Part;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Sends every letter of the file that is named: one a line, fields by tabs, each in base64 (the JDK reads no JSON). */
class Letters {
    private static String[] words(String line, String separator) {
        return line.isEmpty() ? new String[0] : line.split(separator, -1);
    }

    private static String text(String word) {
        return new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8);
    }

    private static InternetAddress[] people(String field) throws Exception {
        List<InternetAddress> found = new ArrayList<>();
        for (String person : words(field, ",")) {
            String[] parts = words(person, ":");
            found.add(new InternetAddress(text(parts[1]), text(parts[0]), "UTF-8"));
        }
        return found.toArray(new InternetAddress[0]);
    }

    private static List<MimeBodyPart> files(String field, String disposition) throws Exception {
        List<MimeBodyPart> found = new ArrayList<>();
        for (String file : words(field, ",")) {
            String[] parts = words(file, ":");
            MimeBodyPart part = new MimeBodyPart();
            part.setDataHandler(new DataHandler(new FileDataSource(text(parts[0]))));
            part.setFileName(text(parts[1]));
            part.setHeader("Content-Type", text(parts[2]));
            part.setDisposition(disposition);
            if (!parts[3].isEmpty()) {
                part.setContentID("<" + text(parts[3]) + ">");
            }
            found.add(part);
        }
        return found;
    }

    private static MimeBodyPart body(String content, String subtype) throws Exception {
        MimeBodyPart part = new MimeBodyPart();
        part.setText(content, "UTF-8", subtype);
        return part;
    }

    private static MimeBodyPart wrapped(String subtype, List<MimeBodyPart> parts) throws Exception {
        MimeBodyPart part = new MimeBodyPart();
        part.setContent(new MimeMultipart(subtype, parts.toArray(new MimeBodyPart[0])));
        return part;
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("mail.mime.encodefilename", "true");
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] fields = line.split("\t", -1);
            MimeMessage message = new MimeMessage(Relay.session());
            message.setFrom(people(fields[0])[0]);
            message.setRecipients(Message.RecipientType.TO, people(fields[1]));
            message.setRecipients(Message.RecipientType.CC, people(fields[2]));
            message.setRecipients(Message.RecipientType.BCC, people(fields[3]));
            message.setSubject(text(fields[4]), "UTF-8");
            List<MimeBodyPart> parts = new ArrayList<>();
            parts.add(body(text(fields[5]), "plain"));
            if (!fields[6].isEmpty()) {
                List<MimeBodyPart> related = new ArrayList<>();
                related.add(body(text(fields[6]), "html"));
                related.addAll(files(fields[7], Part.INLINE));
                parts.add(wrapped("related", related));
                MimeBodyPart alternative = wrapped("alternative", parts);
                parts = new ArrayList<>(List.of(alternative));
            }
            parts.addAll(files(fields[8], Part.ATTACHMENT));
            message.setContent(new MimeMultipart("mixed", parts.toArray(new MimeBodyPart[0])));
            Transport.send(message);
        }
    }
}
