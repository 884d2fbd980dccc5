import{a as j,b as q}from"./part-CPPWWOOG.js";import"./part-LTEP3AIT.js";import{a as B,b as W,c as V,d as K,e as S,f as G}from"./part-TNRVHF5C.js";import"./part-KRQZC76I.js";import"./part-BBONDAZD.js";import{l as x,p as H,r as N,x as D}from"./part-IZMKATDS.js";import{b as A}from"./part-XH3UVEMW.js";import{d as P}from"./part-PWCCSJNW.js";import{a as s,b as y,e as R,f as _}from"./part-RIRFS6HY.js";import{c as k}from"./part-FXUFGIDR.js";import"./part-NOEROMEE.js";import{B as w,E as T,c,d as f,f as g,o as L,p as O,x as I,y as F}from"./part-IAWYZLG6.js";function J({camera:e,children:i}){let r=g(null),n=g(null),o=g(null),[a,t]=c(""),[d,h]=c(e.width&&e.height?e.width/e.height:16/9),u=L.value.link==="open",p=_(e);f(()=>{let $=new j(e.id,r.current,n.current,{onState:(m,v)=>t(m==="unsupported"?"This browser cannot show H.265":m==="failed"?N(v):"")});return o.current=$,()=>$.destroy()},[e.id]),f(()=>{p?u&&o.current?.open(e.sub_url?"sub":"main"):o.current?.close()},[p,u,e.id]);let b=$=>{let m=$.currentTarget;m.videoWidth&&m.videoHeight&&h(m.videoWidth/m.videoHeight)};return s`<div class="canvas" style=${{aspectRatio:String(d),"--shape":String(d)}}>
    <canvas ref=${n} class="tile-still" aria-hidden="true"></canvas>
    <video ref=${r} autoplay playsInline muted onLoadedMetadata=${b} onResize=${b} data-testid="zone-video"></video>
    ${(!p||a)&&s`<p class="canvas-says">${p?a:`${R(e.state)}: you can draw all the same.`}</p>`}
    ${i}
  </div>`}var X=2e3;function Y(e,i){let[r,n]=c([]);return f(()=>{if(!i)return n([]);let o=!0,a=()=>document.hidden||k.occupancy(e).then(d=>o&&n(d),()=>o&&n([]));a();let t=setInterval(a,X);return()=>{o=!1,clearInterval(t)}},[e,i]),new Map(r.map(o=>[o.zone_id,o]))}function Ce({camera:e}){let[i,r]=c(null),[n,o]=c(""),[a,t]=c(null),[d,h]=c(S()),[u,p]=c(!1),[b,$]=c(""),m=D(O.value?.role),v=Y(e.id,i?.length??0),C=()=>k.list(e.id).then(l=>{r(l),o("")},l=>{r([]),o(l.message)});f(()=>{C()},[e.id]);let M=l=>{t(l),h(S(l==="new"?void 0:B(l))),p(l==="new"),setTimeout(()=>document.getElementById("edit-h")?.focus())},Z=()=>{t(null),p(!1),C(),setTimeout(()=>document.querySelector("#main h1")?.focus())};A(l=>l==="Escape"&&(a?(Z(),!0):(P("cameras"),!0)));let E=l=>h(U=>({...U,points:l})),Q=(i??[]).filter(l=>a===null||a==="new"||l.id!==a.id);return s`<main id="main" class="screen zones">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${y} name="back" /></a>
      <h1 tabIndex=${-1}>Zones of ${e.name}</h1>
      ${m&&!a&&s`<button type="button" class="button primary" disabled=${w.value||i===null} onClick=${()=>M("new")} data-testid="zone-add"><${y} name="plus" /><span>Draw a zone</span></button>`}</header>
    <div class="zones-room">
      <section class="zones-picture" aria-label="Picture of ${e.name}">
        <${J} camera=${e}>
          <${z} zones=${Q} inside=${v} quiet=${a!==null} />
          <${q} camera=${e.id} on=${!0} />
          ${a&&s`<${V} shape=${d.points} kind=${d.kind} adding=${u} onShape=${E} onSay=${$} />`}
        <//>
        ${a&&s`<div class="draw-tools">
          <button type="button" class="button small" aria-pressed=${u} onClick=${()=>p(!u)} data-testid="zone-adding"><${y} name="plus" size=${16} /><span>${u?"Done with adding":"Add points by tapping"}</span></button>
          <button type="button" class="button small" disabled=${!d.points.length} onClick=${()=>{E([]),p(!0)}} data-testid="zone-clear">Start again</button></div>
          <p class="muted small" id="draw-keys">Drag a point, or tap a side to add one. On a point: arrow keys move it by 1 %, with Shift by 10 %; Delete removes it; Enter or Insert adds one after it.</p>`}
        <p class="sr" role="status">${b}</p>
      </section>
      <section class="zones-side" aria-labelledby="edit-h">
        <h2 id="edit-h" tabIndex=${-1}>${a==="new"?"New zone":a?`Change ${a.name}`:"Zones"}</h2>
        ${a?s`<${G} key=${a==="new"?"new":a.id} camera=${e.id} zone=${a==="new"?null:a} form=${d} onForm=${h} onDone=${Z} />`:s`<${ee} list=${i} failed=${n} inside=${v} onEdit=${m?M:null} onChanged=${C} />`}
      </section>
    </div>
  </main>`}function z({zones:e,inside:i,quiet:r}){return s`<div class="drawn ${r?"is-quiet":""}" aria-hidden="true">
    <svg viewBox="0 0 1000 1000" preserveAspectRatio="none">${e.map(n=>s`<${n.kind==="line"?"polyline":"polygon"} key=${n.id} points=${W(n.points)}
      class="drawn-zone drawn-${n.kind} ${n.enabled?"":"is-off"} ${i.get(n.id)?.total?"is-in":""}" />`)}</svg>
    ${e.map(n=>n.points.length>0&&s`<span key=${n.id} class="drawn-name" style=${{left:`${Math.min(...n.points.map(o=>o[0]))*100}%`,top:`${Math.min(...n.points.map(o=>o[1]))*100}%`}}>${n.name}</span>`)}
    ${!r&&e.map(n=>n.kind==="line"&&n.points.length>1&&s`<${K} key=${n.id} shape=${n.points} />`)}
  </div>`}function ee({list:e,failed:i,inside:r,onEdit:n,onChanged:o}){if(i)return s`<p class="form-error" role="alert"><${y} name="warn" />${i}</p>`;if(!e)return s`<p class="muted" role="status">Loading…</p>`;if(!e.length)return s`<p class="muted">${n?"None yet. A zone tells when something that a worker sees enters, leaves, stays, or crosses a line.":"None yet."}</p>`;let a=t=>k.change(t.id,{enabled:!t.enabled}).then(o,d=>T("error",d.message));return s`<ul class="zone-list" data-testid="zone-list">${e.map(t=>s`<li key=${t.id} data-testid="zone-${t.name}">
    <div class="zone-says"><b>${t.name}</b> <span class="tag">${t.kind==="line"?"line":"area"}</span> ${!t.enabled&&s`<span class="tag">switched off</span>`}
      <small class="muted">${t.labels.length?t.labels.join(", "):"everything"}${t.dwell_seconds&&t.kind==="polygon"?` · stays of ${t.dwell_seconds} s`:""}</small>
      ${t.kind==="polygon"&&s`<${ne} o=${r.get(t.id)} name=${t.name} />`}</div>
    ${n&&s`<div class="zone-tools"><button type="button" class="button small" disabled=${w.value} onClick=${()=>a(t)}>${t.enabled?"Switch off":"Switch on"}<span class="sr"> ${t.name}</span></button>
      <button type="button" class="button small" disabled=${w.value} onClick=${()=>n(t)} data-testid="zone-edit-${t.name}">Change…<span class="sr"> ${t.name}</span></button></div>`}
  </li>`)}</ul>`}function ne({o:e,name:i}){I.value;let r=Object.entries(e?.labels??{}).map(([o,a])=>`${a} × ${o}`).join(", "),n=Math.min(...(e?.tracks??[]).map(o=>Date.parse(o.since)).filter(Number.isFinite));return s`<p class="zone-in ${e?.total?"is-in":""}" data-testid="inside-${i}">${e?.total?s`<b>${r||H(e.total,"thing")}</b> inside${Number.isFinite(n)?`, for ${x(Math.max(1e3,F.value-n))}`:""}`:"Nobody inside"}</p>`}export{Ce as ZonesScreen};
