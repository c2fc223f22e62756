-- Writes a key that expires soon. KEYS: that key.
return call('SET', KEYS[1], '', 'PX', 60000)
