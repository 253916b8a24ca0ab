# Who helped an idle heap does not look at the mail box again.
# scenario: help
# file: src/front/remote.c
# says: which is idle: nobody drains
s/if \(!hak_mailbox_has_mail\(heap\)\)\s*break;/break;/;
