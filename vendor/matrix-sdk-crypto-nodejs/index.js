// Stand-in: the bot SDK requires this module at load. The bridge uses no encryption through it,
// so it exports nothing; whatever tries to use it fails at that line with a plain TypeError.
module.exports = {};
