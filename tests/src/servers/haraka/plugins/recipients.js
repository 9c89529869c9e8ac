// The recipients of the test server: a plugin, as every site of Haraka has one.
'use strict'

const fs = require('node:fs')

const lines = (file) => new Set(fs.readFileSync(`@RUN@/${file}`, 'utf8').split('\n'))
const mailboxes = lines('mailboxes')
const domains = lines('domains')

exports.hook_connect = function (next, connection) {
    if (connection.local.ip !== '@REFUSING@') return next()
    next(DENYDISCONNECT, 'Client host blocked using zen.example')
}

exports.hook_rcpt = function (next, connection, params) {
    const address = params[0].address()
    const host = address.slice(address.lastIndexOf('@') + 1)
    const kind = host.split('.')[0]
    // Nobody feels responsible: Haraka refuses in its own words.
    if (!domains.has(host)) return next()
    if (kind === 'tarpit') connection.transaction.notes.tarpit = 2
    if (kind === 'hang-up' && !mailboxes.has(address)) return next(DENYDISCONNECT, 'no such user')
    if (address.startsWith('full@')) return next(DENYSOFT, 'mailbox full')
    if (kind === 'accept-all' || mailboxes.has(address)) return next(OK)
    next(DENY, 'no such user')
}
