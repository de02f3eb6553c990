/** What we say ourselves around what a tenant says, in the languages that we speak. */
export interface Words {
  language: string;
  unsubscribe: string;
  open: string;
  page: {
    title: string;
    ask: string;
    also: string;
    channels: { email: string; sms: string; push: string };
    stop: string;
    none: string;
    done: string;
    doneText: string;
  };
}

const WORDS: Readonly<Record<string, Words>> = {
  en: {
    language: 'en',
    unsubscribe: 'Unsubscribe',
    open: 'Open',
    page: {
      title: 'Unsubscribe?',
      ask: 'You will get no more marketing messages from us this way. Messages about your orders still reach you.',
      also: 'What shall we stop sending?',
      channels: { email: 'Emails', sms: 'Text messages', push: 'Push messages' },
      stop: 'Unsubscribe',
      none: 'Nothing was chosen, so nothing has changed. Choose what we shall stop sending.',
      done: 'You are unsubscribed',
      doneText: 'We have stopped:',
    },
  },
  de: {
    language: 'de',
    unsubscribe: 'Abmelden',
    open: 'Öffnen',
    page: {
      title: 'Abmelden?',
      ask: 'Sie erhalten auf diesem Weg keine Werbung mehr von uns. Nachrichten zu Ihren Bestellungen erreichen Sie weiterhin.',
      also: 'Was sollen wir nicht mehr senden?',
      channels: { email: 'E-Mails', sms: 'SMS', push: 'Push-Nachrichten' },
      stop: 'Abmelden',
      none: 'Es war nichts ausgewählt, darum hat sich nichts geändert. Wählen Sie, was wir nicht mehr senden sollen.',
      done: 'Sie sind abgemeldet',
      doneText: 'Wir senden nicht mehr:',
    },
  },
  fr: {
    language: 'fr',
    unsubscribe: 'Se désabonner',
    open: 'Ouvrir',
    page: {
      title: 'Se désabonner ?',
      ask: 'Vous ne recevrez plus de messages publicitaires de notre part par ce moyen. Les messages concernant vos commandes continueront d’arriver.',
      also: 'Que devons-nous cesser d’envoyer ?',
      channels: { email: 'E-mails', sms: 'SMS', push: 'Notifications push' },
      stop: 'Se désabonner',
      none: 'Rien n’a été choisi, rien n’a donc changé. Choisissez ce que nous devons cesser d’envoyer.',
      done: 'Vous êtes désabonné',
      doneText: 'Nous n’envoyons plus :',
    },
  },
  es: {
    language: 'es',
    unsubscribe: 'Darse de baja',
    open: 'Abrir',
    page: {
      title: '¿Darse de baja?',
      ask: 'No recibirá más mensajes publicitarios nuestros por esta vía. Los mensajes sobre sus pedidos seguirán llegando.',
      also: '¿Qué debemos dejar de enviar?',
      channels: { email: 'Correos electrónicos', sms: 'SMS', push: 'Notificaciones push' },
      stop: 'Darse de baja',
      none: 'No se eligió nada, así que nada ha cambiado. Elija qué debemos dejar de enviar.',
      done: 'Se ha dado de baja',
      doneText: 'Ya no enviamos:',
    },
  },
  it: {
    language: 'it',
    unsubscribe: 'Annulla l’iscrizione',
    open: 'Apri',
    page: {
      title: 'Annullare l’iscrizione?',
      ask: 'Non riceverà più nostri messaggi pubblicitari per questa via. I messaggi sui Suoi ordini continueranno ad arrivare.',
      also: 'Che cosa dobbiamo smettere di inviare?',
      channels: { email: 'E-mail', sms: 'SMS', push: 'Notifiche push' },
      stop: 'Annulla l’iscrizione',
      none: 'Non è stato scelto nulla, quindi nulla è cambiato. Scelga che cosa dobbiamo smettere di inviare.',
      done: 'Iscrizione annullata',
      doneText: 'Non inviamo più:',
    },
  },
};

/** Scripts that run from right to left, by language. */
const RIGHT_TO_LEFT = new Set(['ar', 'dv', 'fa', 'he', 'ku', 'ps', 'sd', 'ug', 'ur', 'yi']);

const primary = (tag: string): string => tag.split(/[-_]/, 1)[0]!.toLowerCase();

/** In the language of the tag, or in English. */
export const wordsIn = (tag: string): Words => WORDS[primary(tag)] ?? WORDS.en!;

/** The first of the tags whose language we speak, in that language. */
export const wordsFor = (tags: readonly string[]): Words => WORDS[tags.map(primary).find((language) => language in WORDS) ?? 'en']!;

export const directionOf = (tag: string): 'ltr' | 'rtl' => (RIGHT_TO_LEFT.has(primary(tag)) ? 'rtl' : 'ltr');
