// Uses a passkey where a page has a button for it: the button's value is where to ask.
"use strict";

function said(text) {
  document.getElementById("passkey-problem").textContent = text;
}

async function send(path, content) {
  const answer = await fetch(path + location.search, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value,
    },
    body: JSON.stringify(content),
  });
  const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
  if (!isJson) throw new Error("Please load this page again.");
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message);
  return told;
}

function answerOf(publicKey) {
  return publicKey.rp
    ? navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
      })
    : navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
      });
}

async function use(button) {
  said("");
  const name = document.querySelector("[name=passkey_name]");
  try {
    const asked = await send(button.value, name ? { name: name.value } : {});
    const credential = await answerOf(asked.publicKey);
    const done = await send(button.value, { id: asked.id, credential: credential.toJSON() });
    location.assign(done.next);
  } catch (error) {
    said(error.name === "NotAllowedError" ? "No passkey was used." : error.message);
  }
}

for (const button of document.querySelectorAll("button[name=passkey]")) {
  if (window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON) {
    button.addEventListener("click", () => use(button));
  } else {
    button.disabled = true;
    said("This browser knows no passkeys.");
  }
}
