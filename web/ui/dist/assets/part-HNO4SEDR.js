import{a as d}from"./part-XH3UVEMW.js";import"./part-PWCCSJNW.js";import{a as e,k as s,l as n}from"./part-RIRFS6HY.js";import{C as a,w as o}from"./part-IAWYZLG6.js";function $(){return e`<${n} title="Keyboard" wide onClose=${()=>a.value=!1} testid="help-sheet">
    <div class="keys">${Object.entries(d).map(([t,r])=>e`<section key=${t}><h3>${t}</h3><dl>
      ${Object.values(r).map(l=>e`<div key=${l.label}><dt>${l.label.split(" ").map(i=>i==="then"?e` <small>then</small> `:e`<kbd>${i}</kbd>`)}</dt><dd>${l.does}</dd></div>`)}
    </dl></section>`)}</div>
    <${s} id="single-keys" label="Shortcuts of a single letter" hint="Switch them off if you speak to your computer or type by accident."
      checked=${o.value==="on"} onChange=${t=>o.value=t?"on":"off"} />
  <//>`}export{$ as Help};
