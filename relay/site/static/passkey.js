// Passkeys: asks the device, and sends its answer by the form. Without this the form stays hidden, and the page says
// what else there is.
const octets = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const known = (credentials) => credentials.map((each) => ({ ...each, id: octets(each.id) }));

function read(options) {
  const { challenge, user, excludeCredentials = [], allowCredentials = [], ...rest } = options;
  return {
    ...rest,
    challenge: octets(challenge),
    ...(user && { user: { ...user, id: octets(user.id) } }),
    ...(user ? { excludeCredentials: known(excludeCredentials) } : { allowCredentials: known(allowCredentials) }),
  };
}

function written({ id, rawId, type, response }) {
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const given = parts.filter((name) => response[name]).map((name) => [name, text(response[name])]);
  return JSON.stringify({ id, rawId: text(rawId), type, response: Object.fromEntries(given) });
}

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  const told = form.querySelector("[role=status]");
  form.hidden = false;
  for (const each of document.querySelectorAll("[data-without-passkeys]")) each.hidden = true;
  form.addEventListener("submit", async (event) => {
    if (form.elements.secret_answer.value) return;
    event.preventDefault();
    told.textContent = "";
    try {
      const publicKey = read(JSON.parse(form.dataset.options));
      form.elements.secret_answer.value = written(await navigator.credentials[form.dataset.passkey]({ publicKey }));
      form.requestSubmit();
    } catch {
      told.textContent = told.dataset.said;
    }
  });
}
